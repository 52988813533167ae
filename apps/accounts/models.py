from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone


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
        APPROVER = "approver", "Approver"
        ADMINISTRATOR = "administrator", "Administrator"

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200)
    affiliation = models.CharField(max_length=200, blank=True)
    platform_role = models.CharField(max_length=16, choices=PlatformRole.choices, blank=True, default=PlatformRole.NONE)
    is_active = models.BooleanField(default=True)
    has_one_time_password = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="accounts_user_email_lower"),
            models.CheckConstraint(
                condition=models.Q(platform_role__in=["", "approver", "administrator"]), name="accounts_user_role"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_administrator(self) -> bool:
        return self.platform_role == self.PlatformRole.ADMINISTRATOR

    @property
    def may_approve(self) -> bool:
        return self.platform_role in (self.PlatformRole.ADMINISTRATOR, self.PlatformRole.APPROVER)


class ApiToken(models.Model):
    """Acts as its person until it expires or is revoked. Only the hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()
