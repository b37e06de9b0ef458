# What infra/snowflake/account.sql and lake_rest.sql make, for an account that Terraform keeps.

terraform {
  required_version = ">= 1.5"

  required_providers {
    snowflake = {
      source  = "snowflakedb/snowflake"
      version = "~> 2.10"
    }
  }
}

# The organisation, the account and the sign-in come from SNOWFLAKE_* variables of the environment.
provider "snowflake" {
  role = "ACCOUNTADMIN"
}

resource "snowflake_account_role" "boathouse" {
  name    = var.name
  comment = "Builds silver and gold out of the lake"
}

resource "snowflake_warehouse" "boathouse" {
  name                         = var.name
  warehouse_size               = "XSMALL"
  auto_suspend                 = 60
  auto_resume                  = "true"
  initially_suspended          = true
  statement_timeout_in_seconds = 3600
}

resource "snowflake_database" "boathouse" {
  name    = var.name
  comment = "silver and gold"
}

resource "snowflake_service_user" "boathouse" {
  name              = var.name
  default_role      = snowflake_account_role.boathouse.name
  default_warehouse = snowflake_warehouse.boathouse.name
  rsa_public_key    = var.rsa_public_key
}

resource "snowflake_grant_account_role" "user" {
  role_name = snowflake_account_role.boathouse.name
  user_name = snowflake_service_user.boathouse.name
}

resource "snowflake_grant_account_role" "sysadmin" {
  role_name        = snowflake_account_role.boathouse.name
  parent_role_name = "SYSADMIN"
}

resource "snowflake_grant_privileges_to_account_role" "warehouse" {
  account_role_name = snowflake_account_role.boathouse.name
  privileges        = ["USAGE"]

  on_account_object {
    object_type = "WAREHOUSE"
    object_name = snowflake_warehouse.boathouse.name
  }
}

resource "snowflake_grant_privileges_to_account_role" "database" {
  account_role_name = snowflake_account_role.boathouse.name
  privileges        = ["USAGE", "CREATE SCHEMA"]

  on_account_object {
    object_type = "DATABASE"
    object_name = snowflake_database.boathouse.name
  }
}
