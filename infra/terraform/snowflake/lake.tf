# The lake as a catalogue-linked database. The provider has no resources for it, so the statements are its own.

locals {
  lake_role = snowflake_account_role.boathouse.name
  lake_grants = {
    database       = "USAGE ON DATABASE LAKE"
    schemas        = "USAGE ON ALL SCHEMAS IN DATABASE LAKE"
    future_schemas = "USAGE ON FUTURE SCHEMAS IN DATABASE LAKE"
    tables         = "SELECT ON ALL ICEBERG TABLES IN DATABASE LAKE"
    future_tables  = "SELECT ON FUTURE ICEBERG TABLES IN DATABASE LAKE"
  }
}

resource "snowflake_execute" "catalogue" {
  execute = <<-SQL
    CREATE CATALOG INTEGRATION IF NOT EXISTS BOATHOUSE_LAKE
      CATALOG_SOURCE = ICEBERG_REST
      TABLE_FORMAT = ICEBERG
      REST_CONFIG = (
        CATALOG_URI = '${var.catalogue_uri}'
        CATALOG_NAME = '${var.catalogue_name}'
        ACCESS_DELEGATION_MODE = VENDED_CREDENTIALS
      )
      REST_AUTHENTICATION = (
        TYPE = OAUTH
        OAUTH_TOKEN_URI = '${var.oauth_token_uri}'
        OAUTH_CLIENT_ID = '${var.oauth_client_id}'
        OAUTH_CLIENT_SECRET = '${var.oauth_client_secret}'
        OAUTH_ALLOWED_SCOPES = ('PRINCIPAL_ROLE:ALL')
      )
      ENABLED = TRUE
  SQL
  revert  = "DROP CATALOG INTEGRATION IF EXISTS BOATHOUSE_LAKE"
  query   = "SHOW CATALOG INTEGRATIONS LIKE 'BOATHOUSE_LAKE'"
}

resource "snowflake_execute" "lake" {
  depends_on = [snowflake_execute.catalogue]

  execute = <<-SQL
    CREATE DATABASE IF NOT EXISTS LAKE
      LINKED_CATALOG = (
        CATALOG = 'BOATHOUSE_LAKE',
        ALLOWED_NAMESPACES = ('bronze'),
        ALLOWED_WRITE_OPERATIONS = NONE,
        SYNC_INTERVAL_SECONDS = 60
      )
      CATALOG_CASE_SENSITIVITY = CASE_INSENSITIVE
  SQL
  revert  = "DROP DATABASE IF EXISTS LAKE"
  query   = "SHOW DATABASES LIKE 'LAKE'"
}

resource "snowflake_execute" "grants" {
  for_each   = local.lake_grants
  depends_on = [snowflake_execute.lake]

  execute = "GRANT ${each.value} TO ROLE ${local.lake_role}"
  revert  = "REVOKE ${each.value} FROM ROLE ${local.lake_role}"
}
