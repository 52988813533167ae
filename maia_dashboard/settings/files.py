"""Folders of the portal, and what comes into them."""

from maia_dashboard.settings.base import BASE_DIR, ENV, VAR_DIR

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Not what lies in a folder `static` of a package: that may be code, as in apps.archives.static.
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
ARCHIVES_DIR = VAR_DIR / "archives"
OBJECT_CACHE_DIR = VAR_DIR / "object-cache"
OBJECT_CACHE_BYTES = ENV["OBJECT_CACHE_GIB"] * 1024**3
RUNS_DIR = VAR_DIR / "runs"
VIEWER_DIR = BASE_DIR / "ohif"
SAMPLES_DIR = BASE_DIR / "deploy" / "samples"
FILE_UPLOAD_TEMP_DIR = VAR_DIR / "tmp"
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]  # images never in memory
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024**2
DATA_UPLOAD_MAX_NUMBER_FILES = 5000
UPLOAD_MAX_BYTES = ENV["UPLOAD_MAX_GIB"] * 1024**3
READER_PROCESSES = ENV["READER_PROCESSES"]
READER_MEMORY_BYTES = ENV["READER_MEMORY_MIB"] * 1024**2
