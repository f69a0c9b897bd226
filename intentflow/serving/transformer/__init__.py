"""The endpoint for people who want intents, not text: a KServe transformer before vLLM.

It takes an utterance or the messages of a dialogue, adds the taxonomy constraint, asks the
predictor, and gives typed calls with a calibrated confidence and an out-of-scope decision, over
KServe's V1 protocol, the Open Inference protocol (V2) and the OpenAI API. It keeps redacted
requests and corrections for the next training.
"""
