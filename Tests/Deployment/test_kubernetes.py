"""The manifests, against the official schemas, and what they must say to be right for Weir."""

import copy
import json

import jsonpatch
import kubernetes_validate
import pytest
import yaml
from conftest import DEPLOY

KUBERNETES = DEPLOY / "kubernetes"


def built(directory):
    """What `kubectl kustomize` makes of a directory, as far as these use it: resources, namespace, JSON patches."""
    spec = yaml.safe_load((directory / "kustomization.yaml").read_text())
    unknown = set(spec) - {"apiVersion", "kind", "namespace", "labels", "resources", "images", "patches"}
    assert not unknown, f"this test does not know {unknown}"
    resources = []
    for name in spec["resources"]:
        path = directory / name
        assert path.exists(), path
        resources += built(path) if path.is_dir() else list(yaml.safe_load_all(path.read_text()))
    for patch in spec.get("patches", []):
        found = [r for r in resources if r["kind"] == patch["target"]["kind"] and r["metadata"]["name"] == patch["target"]["name"]]
        assert len(found) == 1, patch["target"]
        changed = jsonpatch.JsonPatch(yaml.safe_load(patch["patch"])).apply(found[0])
        assert changed["kind"] == found[0]["kind"] or patch.get("options", {}).get("allowKindChange")
        resources[resources.index(found[0])] = changed
    return copy.deepcopy(resources)


@pytest.fixture(params=["base", "durable-outbox"])
def resources(request):
    return built(KUBERNETES / request.param)


def of(resources, kind, name=None):
    return [r for r in resources if r["kind"] == kind and (name is None or r["metadata"]["name"] == name)]


def workloads(resources):
    return of(resources, "Deployment") + of(resources, "StatefulSet")


# The oldest and the newest that is said to work.
@pytest.mark.parametrize("version", ["1.29", "1.37"])
def test_every_manifest_is_what_its_schema_says(resources, version):
    assert len(resources) >= 12
    for resource in resources:
        kubernetes_validate.validate(resource, version, strict=True)


def test_no_secret_is_in_a_manifest(resources):
    assert not of(resources, "Secret")
    for workload in workloads(resources):
        for container in workload["spec"]["template"]["spec"]["containers"]:
            for variable in container.get("env", []):
                if variable["name"].endswith("_KEY"):
                    assert "secretKeyRef" in variable["valueFrom"], variable


def test_settings_are_ones_that_weir_knows(resources, settings):
    for config in of(resources, "ConfigMap"):
        assert set(config["data"]) <= settings
    for workload in workloads(resources):
        for container in workload["spec"]["template"]["spec"]["containers"]:
            assert {variable["name"] for variable in container["env"]} <= settings


def test_pods_have_no_rights_that_they_do_not_need(resources):
    assert of(resources, "Namespace")[0]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for workload in workloads(resources):
        pod = workload["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        # "Always" would open the outbox to the group, and a gateway refuses an open one.
        assert pod["securityContext"]["fsGroupChangePolicy"] == "OnRootMismatch"
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            # What is written has a volume, since the root cannot be written.
            mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
            assert {"/var/lib/weir", "/tmp"} <= mounted


def test_every_volume_is_there_and_every_secret_is_one_of_the_readme(resources):
    readme = (KUBERNETES / "README.md").read_text()
    for workload in workloads(resources):
        pod = workload["spec"]["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        claims = {claim["metadata"]["name"] for claim in workload["spec"].get("volumeClaimTemplates", [])}
        assert not volumes & claims
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes | claims
        for name in set(json.dumps(pod).split('"')) & {"weir-redis", "weir-admin", "weir-providers"}:
            assert f"create secret generic {name} " in readme


def test_a_gateway_that_ends_has_the_time_that_its_drain_takes(resources):
    gateway = [w for w in workloads(resources) if w["metadata"]["name"] == "weir-gateway"][0]
    pod = gateway["spec"]["template"]["spec"]
    container = pod["containers"][0]
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    # 30 s for running calls, 15 to charge what was cut: GatewayProcess.
    assert pod["terminationGracePeriodSeconds"] >= pause + 45
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "ops"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "ops"}
    # Balancers have learned of it before it stops listening.
    assert pause > container["readinessProbe"]["periodSeconds"] * container["readinessProbe"]["failureThreshold"]


def test_the_autoscaler_and_the_disruption_budget_mean_the_gateways(resources):
    (scaler,) = of(resources, "HorizontalPodAutoscaler")
    target = scaler["spec"]["scaleTargetRef"]
    (gateway,) = of(resources, target["kind"], target["name"])
    assert "replicas" not in gateway["spec"], "the autoscaler decides"
    (budget,) = of(resources, "PodDisruptionBudget")
    labels = gateway["spec"]["template"]["metadata"]["labels"]
    assert budget["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert scaler["spec"]["minReplicas"] >= 2 > budget["spec"]["maxUnavailable"]
    assert {"cpu"} <= set(gateway["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"])


def test_services_and_network_policies_reach_ports_that_are_there(resources):
    pods = {
        json.dumps(w["spec"]["selector"]["matchLabels"]): {
            port["name"] for c in w["spec"]["template"]["spec"]["containers"] for port in c["ports"]
        }
        for w in workloads(resources)
    }
    for service in of(resources, "Service"):
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= pods[json.dumps(service["spec"]["selector"])]
    for policy in of(resources, "NetworkPolicy"):
        ports = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
        assert ports <= pods[json.dumps(policy["spec"]["podSelector"]["matchLabels"])]
        assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}
    for workload in of(resources, "StatefulSet"):
        assert of(resources, "Service", workload["spec"]["serviceName"])[0]["spec"]["clusterIP"] == "None"


def test_with_durable_outboxes_each_gateway_has_a_volume_that_stays():
    (gateway,) = of(built(KUBERNETES / "durable-outbox"), "StatefulSet", "weir-gateway")
    assert gateway["spec"]["persistentVolumeClaimRetentionPolicy"] == {"whenScaled": "Retain", "whenDeleted": "Retain"}
    assert gateway["spec"]["podManagementPolicy"] == "Parallel"
    (base,) = of(built(KUBERNETES / "base"), "Deployment", "weir-gateway")
    (outbox,) = [volume for volume in base["spec"]["template"]["spec"]["volumes"] if volume["name"] == "outbox"]
    assert "emptyDir" in outbox
