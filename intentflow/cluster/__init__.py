"""Access to Kubernetes: the client, pods with their diagnostics, and conditions of resources."""
