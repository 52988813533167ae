from apps.accounts.models import User


def authorized_keys(user: User) -> list[str]:
    """The lines of the person's authorized_keys file (sshd(8)), without comments, in a steady order."""
    return list(user.ssh_keys.order_by("pk").values_list("public_key", flat=True))
