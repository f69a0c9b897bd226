"""Keys of labels and annotations: KServe's, and this project's own."""

ANNOTATION = "intentflow.dev/"
CANARY = ANNOTATION + "canary-"
CANARY_REPLACES = CANARY + "replaces"

DEPLOYMENT_MODE = "serving.kserve.io/deploymentMode"
AUTOSCALER_CLASS = "serving.kserve.io/autoscalerClass"
# KServe sets these two on the pods.
SERVICE_LABEL = "serving.kserve.io/inferenceservice"
COMPONENT_LABEL = "component"
