from dataclasses import dataclass
from typing import Any

from apps.workspaces.manifests.base import cpu, memory


@dataclass(frozen=True)
class Needs:
    """What a container asks for and what it may use at most. CPU in millicores."""

    cpu_request: int
    cpu_limit: int
    memory_request_mib: int
    memory_limit_mib: int

    def as_resources(self) -> dict[str, Any]:
        return {
            "requests": {"cpu": cpu(self.cpu_request), "memory": memory(self.memory_request_mib)},
            "limits": {"cpu": cpu(self.cpu_limit), "memory": memory(self.memory_limit_mib)},
        }
