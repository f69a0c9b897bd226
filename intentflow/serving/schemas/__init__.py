"""Requests and responses of the service's routes, as its OpenAPI document describes them."""
