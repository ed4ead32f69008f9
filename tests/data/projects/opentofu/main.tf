terraform {
  required_providers {
    null   = { source = "hashicorp/null", version = "2.1.2" }
    random = { source = "hashicorp/random", version = "~> 3.9.0" }
  }
}

resource "random_pet" "name" {
  length = 2
}

resource "null_resource" "greeting" {
  triggers = { name = random_pet.name.id }

  provisioner "local-exec" {
    command = "echo \"hello from OpenTofu, ${self.triggers.name}\""
  }
}

output "said" {
  value = "hello from OpenTofu"
}

output "name" {
  value = random_pet.name.id
}
