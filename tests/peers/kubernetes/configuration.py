"""What each part of the cluster is told, as plain data; JSON wherever YAML is read."""

from pathlib import Path
from typing import Any

NODE = "node-a"
# On a bridge of its own: the kubelet refuses loopback as the address of a node.
NODE_IP = "10.99.0.1"
NODE_BRIDGE, POD_BRIDGE = "maianode0", "maiacni0"
POD_RANGE, SERVICE_RANGE = "10.98.0.0/24", "10.96.0.0/16"
API_SERVICE_IP = "10.96.0.1"
PAUSE_IMAGE = "localhost/pause:1"


def kubeconfig(name: str, server: str, keys: Path) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "peer", "cluster": {"server": server, "certificate-authority": str(keys / "ca.crt")}}],
        "users": [
            {
                "name": name,
                "user": {"client-certificate": str(keys / f"{name}.crt"), "client-key": str(keys / f"{name}.key")},
            }
        ],
        "contexts": [{"name": "peer", "context": {"cluster": "peer", "user": name}}],
        "current-context": "peer",
    }


def pod_network(folder: Path) -> dict[str, Any]:
    """https://www.cni.dev/plugins/current/main/bridge/"""
    addresses = {
        "type": "host-local",
        "dataDir": str(folder / "addresses"),
        "ranges": [[{"subnet": POD_RANGE}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {"type": "bridge", "bridge": POD_BRIDGE, "isGateway": True, "hairpinMode": True, "ipam": addresses}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "maia", "plugins": [bridge, ports]}


def containerd(folder: Path, socket: Path) -> str:
    """https://github.com/containerd/containerd/blob/v1.6.20/docs/cri/config.md

    Without CAP_SYS_RESOURCE, runc dies of the OOM score that a pod asks for; containerd then keeps to what it may set.
    """
    return f"""
version = 2
root = "{folder}/containerd"
state = "{folder}/containerd-state"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/containerd-opt"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{folder}/cni"
"""


def kubelet(folder: Path, keys: Path, socket: Path) -> dict[str, Any]:
    """https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/"""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_IP,
        "containerRuntimeEndpoint": f"unix://{socket}",
        "cgroupDriver": "cgroupfs",
        "failSwapOn": False,
        "failCgroupV1": False,
        "podPidsLimit": 512,
        "syncFrequency": "10s",  # so long does a changed ConfigMap take to come into a running pod
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(keys / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(keys / "kubelet.crt"),
        "tlsPrivateKeyFile": str(keys / "kubelet.key"),
        "clusterDNS": [NODE_IP],
        "clusterDomain": "cluster.local",
        "resolvConf": "",
        "makeIPTablesUtilChains": False,
        "podLogsDir": str(folder / "pod-logs"),
        "volumePluginDir": str(folder / "volume-plugins"),
        # Its garbage is collected at 100 %, that is never: on a full disk it would take the image that all pods need.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
    }


def kube_proxy(kubeconfig_path: Path) -> dict[str, Any]:
    """https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/"""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": str(kubeconfig_path)},
        "clusterCIDR": POD_RANGE,
        "hostnameOverride": NODE,
        # The connection tracker's limits belong to the machine.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def coredns(kubeconfig_path: Path) -> str:
    """https://coredns.io/plugins/kubernetes/"""
    return f"""
.:53 {{
  bind {NODE_IP}
  kubernetes cluster.local {{
    kubeconfig {kubeconfig_path} peer
  }}
  errors
}}
"""
