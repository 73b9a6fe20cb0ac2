"""The API as its OpenAPI document tells it: fuzzed by schemathesis, and asked with other people's ids."""
