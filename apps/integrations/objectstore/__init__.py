"""Buckets that speak S3 (https://docs.aws.amazon.com/AmazonS3/latest/API/)."""
