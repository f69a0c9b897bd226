"""Training on several machines: a Kubeflow ``TrainJob`` that runs ``intentflow train``."""
