from django.urls import path

from apps.accounts import api

app_name = "accounts_api"
urlpatterns = [
    path("account/", api.Account.as_view(), name="account"),
    path("tokens/", api.Tokens.as_view(), name="tokens"),
    path("tokens/<int:pk>/", api.Token.as_view(), name="token"),
]
