from django.urls.resolvers import URLPattern

app_name = "archives"
urlpatterns: list[URLPattern] = []
