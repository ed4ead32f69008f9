package main

import (
	"github.com/pulumi/pulumi-command/sdk/go/command/local"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func main() {
	pulumi.Run(func(ctx *pulumi.Context) error {
		greeting, err := local.NewCommand(ctx, "greeting", &local.CommandArgs{
			Create: pulumi.String(`echo "hello from Go"`),
			Delete: pulumi.String("true"),
		})
		if err != nil {
			return err
		}
		ctx.Export("said", greeting.Stdout)
		return nil
	})
}
