import * as command from "@pulumi/command";

const greeting = new command.local.Command("greeting", {
  create: 'echo "hello from TypeScript"',
  delete: "true",
});

export const said = greeting.stdout;
