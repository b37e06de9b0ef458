variable "name" {
  description = "Name of the role, the warehouse, the database and the user."
  type        = string
  default     = "BOATHOUSE"
}

variable "rsa_public_key" {
  description = "The user's public key: the PEM's lines without its first, its last and the breaks."
  type        = string
}

variable "catalogue_uri" {
  description = "Address of the Iceberg REST catalogue, reachable from Snowflake over HTTPS."
  type        = string
}

variable "catalogue_name" {
  description = "Warehouse that the catalogue keeps the lake in."
  type        = string
  default     = "warehouse"
}

variable "oauth_token_uri" {
  description = "Where the catalogue gives tokens."
  type        = string
}

variable "oauth_client_id" {
  description = "Client that may read the lake."
  type        = string
}

variable "oauth_client_secret" {
  description = "Secret of that client; Terraform keeps it in its state, so keep the state safe."
  type        = string
  sensitive   = true
}
