"""Access of pods to the object storage: keys of a Secret, and certificates of an authority."""

from __future__ import annotations

from intentflow.deployment.kustomize import Manifest, mappings
from intentflow.deployment.options import DeployOptions

_S3_SECRET = "intentflow-s3"  # its name in manifests
_API_KEY_SECRET = "intentflow-api-key"
_CA_VOLUME = "ca"
_CA_FOLDER = "/etc/intentflow/ca"
# KServe's storage-initializer looks for this key, too.
_CA_FILE = "cabundle.crt"


def point_to_secrets(objects: list[Manifest], options: DeployOptions) -> None:
    """Give the Secrets their names, and leave out that of the storage where pods have a role."""
    if options.s3_secret is None:
        _leave_out_keys(objects)
    names = {_S3_SECRET: options.s3_secret, _API_KEY_SECRET: options.api_key_secret}
    keys = {
        "token": options.api_key_secret_key,
        "predictor-token": options.predictor_key_secret_key,
    }
    for found in mappings(objects):
        reference = found.get("secretKeyRef")
        if reference:
            reference |= {
                "name": names[reference["name"]],
                "key": keys.get(reference["key"], reference["key"]),
            }
        if "secretName" in found:
            found["secretName"] = names[found["secretName"]]
            found["items"] = [{**item, "key": keys[item["key"]]} for item in found["items"]]


def mount_certificates(pod: Manifest, options: DeployOptions) -> None:
    """Mount the certificates of ``ca_config_map`` into the pod's first container, if it is set."""
    if not options.ca_config_map:
        return
    container = pod["containers"][0]
    source = {"name": options.ca_config_map}
    pod["volumes"].append({"name": _CA_VOLUME, "configMap": source})
    # Not by subPath: a file that is mounted so never changes.
    mount = {"name": _CA_VOLUME, "mountPath": _CA_FOLDER, "readOnly": True}
    container["volumeMounts"].append(mount)
    container["env"].append({"name": "SSL_CERT_FILE", "value": f"{_CA_FOLDER}/{_CA_FILE}"})


def _leave_out_keys(objects: list[Manifest]) -> None:
    for found in mappings(objects):
        if isinstance(found.get("env"), list):
            found["env"] = [item for item in found["env"] if not _is_of_storage(item)]


def _is_of_storage(variable: Manifest) -> bool:
    reference = variable.get("valueFrom", {}).get("secretKeyRef", {})
    return bool(reference.get("name") == _S3_SECRET)
