"""The environment variables that users set; the reference is generated from this table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """An environment variable that users set.

    Attributes:
        name: Name of the variable.
        read_by: Commands and parts that read it.
        meaning: Content, and the value where it is not set.
        secret: Whether its value must not be shown; in a cluster it comes from a Secret.
    """

    name: str
    read_by: str
    meaning: str
    secret: bool = False


VARIABLES = (
    Variable(
        "INTENTFLOW_LOG_LEVEL",
        "all commands and steps",
        "`debug`, `info`, `warning` or `error`; `-v` and `-q` of a command go before it",
    ),
    Variable(
        "INTENTFLOW_LOG_FORMAT",
        "all commands and steps",
        "`text` or `json`; `--log-format` of a command goes before it",
    ),
    Variable(
        "NO_COLOR",
        "all commands",
        "any value: warnings and errors have no colour on a terminal either",
    ),
    Variable(
        "INTENTFLOW_CACHE",
        "train, evaluate, serve, review serve",
        "folder for converted and fetched base models, and for Label Studio; "
        "`~/.cache/intentflow` unless set",
    ),
    Variable(
        "INTENTFLOW_CHECKPOINTS",
        "train",
        "folder for checkpoints, such as a volume that outlives a pod; else next to the model",
    ),
    Variable(
        "INTENTFLOW_TRAIN_IMAGE",
        "train",
        "image of a distributed training's nodes where the recipe names none; a graph compiled "
        "with a registry or an image sets it to that of its train step",
    ),
    Variable(
        "MLFLOW_TRACKING_TOKEN",
        "history, and a run's last step, with a tracking_uri",
        "bearer token of the MLflow server",
        secret=True,
    ),
    Variable(
        "MLFLOW_TRACKING_USERNAME",
        "history, and a run's last step, with a tracking_uri",
        "user of the MLflow server, if it takes no token",
    ),
    Variable(
        "MLFLOW_TRACKING_PASSWORD",
        "history, and a run's last step, with a tracking_uri",
        "the user's password",
        secret=True,
    ),
    Variable(
        "INTENTFLOW_REGISTRY",
        "history, erase, gate, deploy, promote, rollback",
        "folder or `s3://` of the registry where `--registry` is not given",
    ),
    Variable(
        "INTENTFLOW_PERSON_KEY",
        "convert, run, erase, serve, transformer",
        "key of the hashes of persons, at least 16 bytes and always the same; in a "
        "cluster from a Secret, by `pipeline.steps.convert.env_from_secrets`",
        secret=True,
    ),
    Variable(
        "INTENTFLOW_WEBHOOK_URL",
        "run, the step notify",
        "webhook that gets the outcome of a run as Slack's JSON; in a cluster from a Secret, by "
        "`pipeline.steps.notify.env_from_secrets`",
        secret=True,
    ),
    Variable(
        "INTENTFLOW_ENGINE",
        "convert, curate",
        "`local` or `ray` where `--engine` is not given",
    ),
    Variable(
        "INTENTFLOW_VLLM_PYTHON",
        "serve, evaluate, calibrate",
        "Python of another environment that has vLLM",
    ),
    Variable(
        "INTENTFLOW_API_KEY",
        "serve, transformer",
        "bearer token that clients have to send; none is demanded by `serve` unless set",
        secret=True,
    ),
    Variable(
        "INTENTFLOW_API_KEYS_FILE",
        "serve, transformer",
        "file with the clients' tokens, one a line; read again when it changes",
    ),
    Variable(
        "INTENTFLOW_LOG_URI",
        "serve, transformer",
        "folder or `s3://` for requests and corrections; nothing is kept unless set",
    ),
    Variable(
        "INTENTFLOW_LOG_SAMPLE_RATE",
        "serve, transformer",
        "share of the requests that are kept, in [0, 1]; 1 unless set",
    ),
    Variable(
        "INTENTFLOW_TOKEN",
        "predict --service",
        "bearer token of the deployed service",
        secret=True,
    ),
    Variable(
        "OPENAI_API_KEY",
        "predict, evaluate, deploy, curate",
        "key of an OpenAI-compatible endpoint; a teacher's configuration may name another variable",
        secret=True,
    ),
    Variable(
        "VLLM_API_KEY", "transformer", "key that vLLM demands of the transformer", secret=True
    ),
    Variable(
        "KFP_TOKEN",
        "submit",
        "bearer token of the KFP API; `--token-env` names another variable",
        secret=True,
    ),
    Variable(
        "KFP_COOKIE",
        "submit",
        "cookie of a session with Kubeflow, name=value; `--cookie-env` names another variable",
        secret=True,
    ),
    Variable(
        "KF_PIPELINES_SA_TOKEN_PATH",
        "submit",
        "in a pod, file with its ServiceAccount token for KFP; "
        "`/var/run/secrets/kubeflow/pipelines/token` unless set",
    ),
    Variable("KUBECONFIG", "deploy, train", "kubeconfig file; `~/.kube/config` unless set"),
    Variable(
        "INTENTFLOW_GIT_TOKEN",
        "deploy --mode git, rollback",
        "token for pushes over https",
        secret=True,
    ),
    Variable(
        "INTENTFLOW_GIT_USERNAME",
        "deploy --mode git, rollback",
        "user name that goes with the token; `git` unless set",
    ),
    Variable(
        "GIT_SSH_COMMAND",
        "deploy --mode git, rollback",
        "how git starts ssh; `ssh -o BatchMode=yes` unless set",
    ),
    Variable(
        "GIT_AUTHOR_NAME",
        "deploy --mode git, rollback",
        "author of commits, with `GIT_COMMITTER_NAME`; git's own configuration unless set",
    ),
    Variable("GIT_COMMITTER_NAME", "deploy --mode git, rollback", "committer of commits"),
    Variable(
        "S3_ENDPOINT_URL",
        "all that read or write `s3://`",
        "URL of the object storage; `https://s3.amazonaws.com` unless set",
    ),
    Variable(
        "AWS_ENDPOINT_URL_S3",
        "all that read or write `s3://`",
        "the same, where `S3_ENDPOINT_URL` is not set",
    ),
    Variable(
        "AWS_ENDPOINT_URL",
        "all that read or write `s3://`",
        "the same, where neither is set",
    ),
    Variable("AWS_ACCESS_KEY_ID", "all that read or write `s3://`", "access key", secret=True),
    Variable("AWS_SECRET_ACCESS_KEY", "all that read or write `s3://`", "secret key", secret=True),
    Variable(
        "AWS_SESSION_TOKEN",
        "all that read or write `s3://`",
        "session token of temporary keys",
        secret=True,
    ),
    Variable(
        "AWS_ROLE_ARN",
        "all that read or write `s3://`",
        "role of the pod where no keys are set; EKS sets it for a ServiceAccount with a role",
    ),
    Variable(
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "all that read or write `s3://`",
        "file with the pod's identity, which AWS STS takes for that role; EKS sets it",
    ),
    Variable(
        "AWS_ENDPOINT_URL_STS",
        "all that read or write `s3://`",
        "URL of AWS STS; that of `AWS_REGION` unless set",
    ),
    Variable(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "all that read or write `s3://`",
        "URL of the pod's credentials; EKS Pod Identity sets it, and the file of its token",
    ),
    Variable(
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "all that read or write `s3://`",
        "path of the task's credentials; ECS sets it",
    ),
    Variable(
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "all that read or write `s3://`",
        "URL of the node's metadata, for its instance profile; `http://169.254.169.254` unless set",
    ),
    Variable(
        "AWS_EC2_METADATA_DISABLED",
        "all that read or write `s3://`",
        "`true` leaves the instance profile alone",
    ),
    Variable("AWS_REGION", "all that read or write `s3://`", "region of the bucket"),
    Variable(
        "AWS_DEFAULT_REGION",
        "all that read or write `s3://`",
        "the same, where `AWS_REGION` is not set",
    ),
    Variable(
        "AWS_CA_BUNDLE",
        "all that read or write `s3://`",
        "certificates that the object storage's is checked with; else `SSL_CERT_FILE`",
    ),
    Variable(
        "SSL_CERT_FILE",
        "all that read or write `s3://` or ask an endpoint",
        "certificates to check others with, such as those of a private authority; certifi's unless "
        "set",
    ),
    Variable(
        "RAY_ADDRESS",
        "convert, curate",
        "address of the Ray cluster where `--ray-address` is not given",
    ),
    Variable("RAY_AUTH_MODE", "convert, curate", "`token` where the Ray cluster asks for a token"),
    Variable("RAY_AUTH_TOKEN", "convert, curate", "token of the Ray cluster", secret=True),
    Variable(
        "RAY_USAGE_STATS_ENABLED",
        "convert, curate",
        "1 turns Ray's usage report on; off unless set",
    ),
    Variable(
        "VLLM_CPU_KVCACHE_SPACE",
        "serve, evaluate, calibrate",
        "GiB for the cache of vLLM's CPU build; 1 unless set",
    ),
    Variable("OMP_NUM_THREADS", "train", "threads of each training process"),
)
"""Variables that users may set; a test compares them with the names in the code."""
