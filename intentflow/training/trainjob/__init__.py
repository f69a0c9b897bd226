"""Training on several nodes: a Kubeflow ``TrainJob`` that runs ``intentflow train``."""
