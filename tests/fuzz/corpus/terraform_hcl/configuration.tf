terraform {
  required_providers {
    null = { source = "hashicorp/null", version = "~> 3.2, != 3.2.1" }
    mine = {
      source                = "registry.example:5000/team/thing"
      configuration_aliases = [ mine.west ]
    }
    old = ">= 1.0"
  }
}
resource "null_resource" "a" {
  triggers = { for k, v in var.x : k => "${v["}"]}" }
  provider = mine.west
}
module "m" {
  source = "./sub"
}
locals {
  text = <<-EOF
    } " not a block
    EOF
  more = f(a, [1, 2, { b = "c" }]) ? 1.5e3 : !x /* end */ # more
}
