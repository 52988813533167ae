from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "apps.accounts"

    def ready(self) -> None:
        from allauth.mfa import signals

        from apps.accounts import second_factor

        # The only word by which allauth says that a second factor has come or gone.
        signals.authenticator_added.connect(second_factor.was_added)
        signals.authenticator_reset.connect(second_factor.was_added)
        signals.authenticator_removed.connect(second_factor.was_removed)
