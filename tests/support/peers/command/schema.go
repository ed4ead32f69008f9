package main

// What `pulumi package get-schema` prints; programs in YAML are checked against it.
const schema = `{
  "name": "command", "version": "VERSION",
  "provider": {},
  "resources": {
    "command:local:Command": {
      "description": "A command that runs on create, update and delete, on the machine where the engine runs.",
      "properties": {` + inputs + `,
        "stdout": {"type": "string"}, "stderr": {"type": "string"}
      },
      "required": ["stdout", "stderr"],
      "inputProperties": {` + inputs + `}
    }
  }
}`

const inputs = `
        "create": {"type": "string"}, "update": {"type": "string"}, "delete": {"type": "string"},
        "dir": {"type": "string"}, "stdin": {"type": "string"}, "logging": {"type": "string"},
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "interpreter": {"type": "array", "items": {"type": "string"}},
        "addPreviousOutputInEnv": {"type": "boolean"},
        "assetPaths": {"type": "array", "items": {"type": "string"}},
        "archivePaths": {"type": "array", "items": {"type": "string"}},
        "triggers": {"type": "array", "items": {"$ref": "pulumi.json#/Any"}}`
