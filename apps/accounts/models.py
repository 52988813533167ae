from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Without a password the account cannot sign in until one is set by link."""
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email=(email or "").lower())


class User(AbstractBaseUser):
    class PlatformRole(models.TextChoices):
        NONE = "", "None"
        SUPPORT = "support", "Support"
        APPROVER = "approver", "Approver"
        ADMINISTRATOR = "administrator", "Administrator"

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    affiliation = models.CharField(max_length=200, blank=True)
    position = models.CharField(max_length=200, blank=True)
    platform_role = models.CharField(max_length=16, choices=PlatformRole.choices, blank=True, default=PlatformRole.NONE)
    is_active = models.BooleanField(default=True)
    has_one_time_password = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    times_signed_out = models.PositiveIntegerField(default=0, help_text="how often all sessions were ended at once")

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="accounts_user_email_lower"),
            models.CheckConstraint(
                condition=models.Q(platform_role__in=["", "support", "approver", "administrator"]),
                name="accounts_user_role",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session must carry to be this person's: another one once all sessions were ended."""
        if not self.times_signed_out:
            return str(super()._get_session_auth_hash(secret))  # type: ignore[misc]
        salted = f"{self.times_signed_out} {self.password}"
        return salted_hmac("accounts.User.session", salted, secret=secret, algorithm="sha256").hexdigest()

    @property
    def is_administrator(self) -> bool:
        return self.platform_role == self.PlatformRole.ADMINISTRATOR

    @property
    def may_look(self) -> bool:
        """Whether the person reads what administrators read; support changes nothing of it."""
        return self.platform_role in (self.PlatformRole.ADMINISTRATOR, self.PlatformRole.SUPPORT)

    @property
    def may_approve(self) -> bool:
        return self.platform_role in (self.PlatformRole.ADMINISTRATOR, self.PlatformRole.APPROVER)


class Identity(models.Model):
    """Who a person is at Keycloak: found by issuer and subject, never by e-mail; with what was last read there."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    is_enabled = models.BooleanField(default=True)
    groups = models.JSONField(default=list)
    read_at = models.DateTimeField(null=True)
    signed_in_at = models.DateTimeField(null=True)
    invited_at = models.DateTimeField(null=True, help_text="when Keycloak was asked for its mail to set a password")
    is_group_administrator = models.BooleanField(default=False)
    own_role = models.CharField(max_length=16, blank=True, help_text="platform role that the group hides")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(fields=["issuer", "subject"], name="accounts_identity_one_person"),
            models.UniqueConstraint(fields=["user", "issuer"], name="accounts_identity_one_of_an_issuer"),
        ]

    def __str__(self) -> str:
        return f"identity {self.pk} of {self.user}"


class SshKey(models.Model):
    """A public key that opens the person's workspaces."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="ssh_keys")
    name = models.CharField(max_length=100)
    key_type = models.CharField(max_length=64)
    public_key = models.TextField(help_text="type and key as authorized_keys has them, without a comment")
    fingerprint = models.CharField(max_length=64, help_text="SHA256:… as ssh-keygen -l shows it")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "fingerprint"], name="accounts_ssh_key_once")]

    def __str__(self) -> str:
        return self.name


class ApiToken(models.Model):
    """Acts as its person, within its scopes, until it expires or is revoked. Only the hash is kept."""

    class Scope(models.TextChoices):
        READ = "read", "Read: projects, runs, members"
        WRITE = "write", "Change: start runs, manage members"
        IMAGES_READ = "images:read", "Read images, by DICOMweb"
        IMAGES_STORE = "images:store", "Store images, by DICOMweb"
        IMAGES_DELETE = "images:delete", "Delete images, by DICOMweb"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    scopes = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.name

    def covers(self, scope: Scope) -> bool:
        return scope in self.scopes

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()
