-- The lake in Snowflake, by AWS Glue's own Iceberg REST endpoint. Run as ACCOUNTADMIN, then let the AWS role trust what
-- DESCRIBE CATALOG INTEGRATION says (API_AWS_IAM_USER_ARN, API_AWS_EXTERNAL_ID).
-- https://docs.snowflake.com/sql-reference/sql/create-catalog-integration-rest

USE ROLE ACCOUNTADMIN;

CREATE CATALOG INTEGRATION IF NOT EXISTS BOATHOUSE_LAKE
  CATALOG_SOURCE = ICEBERG_REST
  TABLE_FORMAT = ICEBERG
  REST_CONFIG = (
    CATALOG_URI = 'https://glue.us-east-1.amazonaws.com/iceberg'
    CATALOG_API_TYPE = AWS_GLUE
    CATALOG_NAME = '<AWS account number>'
    ACCESS_DELEGATION_MODE = VENDED_CREDENTIALS
  )
  REST_AUTHENTICATION = (
    TYPE = SIGV4
    SIGV4_IAM_ROLE = 'arn:aws:iam::<AWS account number>:role/snowflake-lake'
    SIGV4_SIGNING_REGION = 'us-east-1'
  )
  ENABLED = TRUE;

DESCRIBE CATALOG INTEGRATION BOATHOUSE_LAKE;

-- The linked database and its grants are those of lake_rest.sql.
