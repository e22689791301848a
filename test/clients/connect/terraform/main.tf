# Every resource and data source of 1Password's provider.
terraform {
  required_providers {
    onepassword = { source = "1Password/onepassword" }
  }
}

variable "host" { type = string }
variable "token" {
  type      = string
  sensitive = true
}
variable "password" {
  type      = string
  sensitive = true
}

provider "onepassword" {
  url   = var.host
  token = var.token
}

data "onepassword_vault" "v" { name = "homelab" }

data "onepassword_item" "tls" {
  vault = data.onepassword_vault.v.uuid
  title = "tls"
}

resource "onepassword_item" "login" {
  vault    = data.onepassword_vault.v.uuid
  title    = "tf-login"
  category = "login"
  username = "me"
  password = var.password
  url      = "https://example.com"
  tags     = ["stack:tf", "terraform"]
  section {
    label = "database"
    field {
      label = "HOST"
      type  = "STRING"
      value = "db"
    }
    field {
      label = "KEY"
      type  = "CONCEALED"
      value = "a b$c#${var.password}"
    }
  }
}

resource "onepassword_item" "generated" {
  vault    = data.onepassword_vault.v.uuid
  title    = "tf-generated"
  category = "password"
  password_recipe {
    length  = 40
    symbols = false
  }
}

resource "onepassword_item" "db" {
  vault    = data.onepassword_vault.v.uuid
  title    = "tf-db"
  category = "database"
  type     = "postgresql"
  username = "root"
  password = "p"
  database = "app"
  hostname = "localhost"
  port     = 5432
}

data "onepassword_item" "login" {
  vault = data.onepassword_vault.v.uuid
  uuid  = onepassword_item.login.uuid
}

output "length" { value = nonsensitive(length(onepassword_item.generated.password)) }
output "key" { value = nonsensitive(data.onepassword_item.login.section[0].field[1].value) }
output "tls" { value = data.onepassword_item.tls.category }
