-- The lake in Snowflake, by an Iceberg REST catalogue that Snowflake can reach over HTTPS (Polaris, Lakekeeper, Nessie …).
-- The models read LAKE.BRONZE.<table>; nothing is copied, and Snowflake may not write. Run as ACCOUNTADMIN.
-- https://docs.snowflake.com/sql-reference/sql/create-catalog-integration-rest
-- https://docs.snowflake.com/sql-reference/sql/create-database-catalog-linked

USE ROLE ACCOUNTADMIN;

CREATE CATALOG INTEGRATION IF NOT EXISTS BOATHOUSE_LAKE
  CATALOG_SOURCE = ICEBERG_REST
  TABLE_FORMAT = ICEBERG
  REST_CONFIG = (
    CATALOG_URI = 'https://catalogue.example.com/api/catalog'
    CATALOG_NAME = 'warehouse'
    ACCESS_DELEGATION_MODE = VENDED_CREDENTIALS
  )
  REST_AUTHENTICATION = (
    TYPE = OAUTH
    OAUTH_TOKEN_URI = 'https://catalogue.example.com/api/catalog/v1/oauth/tokens'
    OAUTH_CLIENT_ID = '<client id>'
    OAUTH_CLIENT_SECRET = '<client secret>'
    OAUTH_ALLOWED_SCOPES = ('PRINCIPAL_ROLE:ALL')
  )
  ENABLED = TRUE;

CREATE DATABASE IF NOT EXISTS LAKE
  LINKED_CATALOG = (
    CATALOG = 'BOATHOUSE_LAKE',
    ALLOWED_NAMESPACES = ('bronze'),
    ALLOWED_WRITE_OPERATIONS = NONE,
    SYNC_INTERVAL_SECONDS = 60
  )
  CATALOG_CASE_SENSITIVITY = CASE_INSENSITIVE;

GRANT USAGE ON DATABASE LAKE TO ROLE BOATHOUSE;
GRANT USAGE ON ALL SCHEMAS IN DATABASE LAKE TO ROLE BOATHOUSE;
GRANT USAGE ON FUTURE SCHEMAS IN DATABASE LAKE TO ROLE BOATHOUSE;
GRANT SELECT ON ALL ICEBERG TABLES IN DATABASE LAKE TO ROLE BOATHOUSE;
GRANT SELECT ON FUTURE ICEBERG TABLES IN DATABASE LAKE TO ROLE BOATHOUSE;

-- Says RUNNING, and which tables failed to sync.
SELECT SYSTEM$CATALOG_LINK_STATUS('LAKE');
