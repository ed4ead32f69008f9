# This file is maintained automatically by "tofu init".

provider "registry.opentofu.org/hashicorp/null" {
  version     = "3.2.2"
  constraints = "~> 3.2"
  hashes = [
    "h1:01ulc/RGQoM3Tu+f+d+0aNhBclE5KEIBmrsAecLlBMc=",
    "zh:422a578395e5183bee0df25807bbaba585d15f15617eb8dff0ec01b2df741bfe",
  ]
}
