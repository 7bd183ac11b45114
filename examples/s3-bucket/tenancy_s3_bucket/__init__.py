"""An activity for Tenancy: an S3 bucket for each tenant."""
