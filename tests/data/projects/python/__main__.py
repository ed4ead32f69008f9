import pulumi
from pulumi_command import local

greeting = local.Command("greeting", create='echo "hello from Python"', delete="true")

pulumi.export("said", greeting.stdout)
