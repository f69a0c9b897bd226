"""Shared parts of clients of OpenAI endpoints: request failures, retries, bounded replies."""
