"""Deployment options of what the pods reach: accounts, secrets, storage, monitoring, network."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from intentflow.config import StrictModel
from intentflow.deployment.option_types import OBJECT, Listed
from intentflow.io.validation_messages import form


class AccessOptions(StrictModel):
    """Accounts, secrets, storage, monitoring and network of the pods."""

    log_uri: str | None = Field(
        None,
        pattern=form(r"^s3://", "s3://bucket/prefix"),
        description="Location for requests and corrections; none are stored if unset",
    )
    service_account: str | None = Field(
        None,
        pattern=OBJECT,
        description="Existing service account; unless set, one with the service's name is created",
    )
    service_account_annotations: dict[str, str] = Field(
        default={},
        description="Annotations of that service account, such as eks.amazonaws.com/role-arn",
    )
    s3_secret: str | None = Field(
        "intentflow-s3",
        pattern=OBJECT,
        description="Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; null where the pods "
        "have a role of AWS",
    )
    storage_container: str | None = Field(
        None,
        pattern=OBJECT,
        description="ClusterStorageContainer that downloads the model, such as that of "
        "manifests/storage-container for namespaces under Pod Security restricted",
    )
    ca_config_map: str | None = Field(
        None,
        pattern=OBJECT,
        description="ConfigMap with cabundle.crt: the certificates that the transformer and the "
        "rollout Job check the object storage and others with",
    )
    api_key_secret: str = Field(
        "intentflow-api-key", pattern=OBJECT, description="Secret with the token that clients send"
    )
    api_key_secret_key: str = Field("token", description="The token's key in that Secret")
    predictor_key_secret_key: str = Field(
        "predictor-token", description="Key of the token that the transformer sends to vLLM"
    )
    person_key_secret: str | None = Field(
        None,
        pattern=OBJECT,
        description="Secret with the key of persons' hashes for the transformer, the one that "
        "convert and erase take from INTENTFLOW_PERSON_KEY; unless set, requests with a person "
        "are refused",
    )
    person_key_secret_key: str = Field("person-key", description="The key's key in that Secret")
    model_cache_node_groups: Annotated[list[str], Listed] = Field(
        default=["gpu"], min_length=1, description="LocalModelNodeGroups of component model-cache"
    )
    prometheus_url: str = Field(
        "http://prometheus-operated.monitoring.svc:9090",
        pattern=form(r"^https?://[^\s/]+", "http://host:port or https://host"),
        description="Prometheus that component autoscaling queries for requests in vLLM, and the "
        "watch of a retraining for both models' answers",
    )
    requests_per_replica: int = Field(
        8,
        ge=1,
        description="Running and waiting requests of one replica of vLLM that component "
        "autoscaling aims at",
    )
    monitoring_namespace: str = Field(
        "monitoring", description="Namespace from which metrics are scraped; others have no access"
    )
    storage_cidrs: Annotated[list[str], Listed] = Field(
        default=["0.0.0.0/0"], description="Addresses of the object storage"
    )
    storage_ports: Annotated[list[Annotated[int, Field(ge=1, le=65535)]], Listed] = Field(
        default=[443, 9000], description="Ports of the object storage"
    )
    storage_namespace: str | None = Field(
        None,
        pattern=OBJECT,
        description="Namespace of an object storage in the cluster; storage_ports are then those "
        "of its pods, such as 8333 of Kubeflow's own, whose Service has 9000",
    )
    dns_namespace: str = Field(
        "kube-system", pattern=OBJECT, description="Namespace of the cluster's DNS"
    )
    dns_port: int = Field(
        53, ge=1, le=65535, description="Port of its pods; 5353 in openshift-dns of OpenShift"
    )
    mesh: Literal["none", "istio"] = Field(
        "none",
        description="istio also lets the pods reach istiod in istio-system, and one another by "
        "HBONE (port 15008), which the ambient mode uses",
    )

    @field_validator("storage_cidrs")
    @classmethod
    def _networks(cls, cidrs: list[str]) -> list[str]:
        for cidr in cidrs:
            ip_network(cidr)  # its ValueError explains the problem
        return cidrs

    @model_validator(mode="after")
    def _fit_account(self) -> Self:
        if self.service_account and self.service_account_annotations:
            raise ValueError(
                "service_account_annotations: an existing service_account is not rendered; "
                "annotate it, or leave out service_account"
            )
        return self
