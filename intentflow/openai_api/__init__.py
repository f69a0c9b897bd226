"""What clients of OpenAI endpoints share: faults, pauses, replies of bounded size."""
