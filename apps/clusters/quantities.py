"""Amounts as Kubernetes writes them: "250m", "1.5", "16Gi".

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from functools import lru_cache

BINARY = {unit: 1024.0**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1)}
DECIMAL = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}


@lru_cache(maxsize=4096)
def amount(quantity: str) -> float:
    """In cores, bytes or pieces. What is no quantity counts as nothing."""
    try:
        if quantity[-2:] in BINARY:
            return float(quantity[:-2]) * BINARY[quantity[-2:]]
        if quantity[-1:] in DECIMAL:
            return float(quantity[:-1]) * DECIMAL[quantity[-1:]]
        return float(quantity)
    except ValueError:
        return 0.0
