from django.urls import path

from apps.accounts import people_views

app_name = "people"
urlpatterns = [
    path("", people_views.list_people, name="people"),
    path("<int:pk>/", people_views.person, name="person"),
    path("<int:pk>/role/", people_views.give_role, name="give_role"),
    path("<int:pk>/deactivate/", people_views.change, {"verb": "deactivate"}, name="deactivate"),
    path("<int:pk>/activate/", people_views.change, {"verb": "activate"}, name="activate"),
    path("<int:pk>/unlock/", people_views.change, {"verb": "unlock"}, name="unlock"),
    path(
        "<int:pk>/second-factor/remove/",
        people_views.change,
        {"verb": "remove_second_factor"},
        name="remove_second_factor",
    ),
    path("<int:pk>/sign-out/", people_views.change, {"verb": "sign_out"}, name="sign_out"),
]
