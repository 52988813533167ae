"""What the portal reaches: servers, places of exports, and the platform with its images of containers."""

from ipaddress import IPv4Network, IPv6Network

from maia_dashboard.settings.base import ENV

OUTBOUND_ALLOWED_NETWORKS: list[IPv4Network | IPv6Network] = ENV["OUTBOUND_ALLOWED_NETWORKS"]
OUTBOUND_CA_FILE: str = ENV["OUTBOUND_CA_FILE"]
EXPORT_TARGETS: dict[str, str] = ENV["EXPORT_TARGETS"]
S3_ENDPOINT: str = ENV["S3_ENDPOINT"]
S3_ACCESS_KEY: str = ENV["S3_ACCESS_KEY"]
S3_SECRET_KEY: str = ENV["S3_SECRET_KEY"]
PLATFORM = ENV["PLATFORM"]
PORTAL_SOURCES = ENV["PORTAL_SOURCES"]
PORTAL_IMAGE = ENV["PORTAL_IMAGE"]
ORTHANC_IMAGE = ENV["ORTHANC_IMAGE"]
WORKSPACE_IMAGE = ENV["WORKSPACE_IMAGE"]
