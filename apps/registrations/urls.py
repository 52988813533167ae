from django.urls.resolvers import URLPattern

app_name = "registrations"
urlpatterns: list[URLPattern] = []
