from django.db import migrations, models

import apps.clusters.models


class Migration(migrations.Migration):
    dependencies = [
        ("clusters", "0002_summaries_of_snapshots"),
    ]

    operations = [
        migrations.AddField(
            model_name="cluster",
            name="passed_on_from",
            field=models.CharField(
                blank=True, default="", max_length=500, validators=[apps.clusters.models.are_sources]
            ),
            preserve_default=False,
        ),
        migrations.RemoveConstraint(model_name="cluster", name="clusters_cluster_service_access"),
        migrations.AlterField(
            model_name="cluster",
            name="service_access",
            field=models.CharField(
                choices=[
                    ("direct", "By the service's address (the portal is on the cluster's network)"),
                    ("in_cluster", "By the service's name (the portal runs in this cluster)"),
                    ("proxy", "Through the API server"),
                    ("ingress", "By host names of the domain (ingress)"),
                ],
                default="direct",
                max_length=10,
            ),
        ),
        migrations.AddConstraint(
            model_name="cluster",
            constraint=models.CheckConstraint(
                condition=models.Q(("service_access__in", ["direct", "in_cluster", "proxy", "ingress"])),
                name="clusters_cluster_service_access",
            ),
        ),
    ]
