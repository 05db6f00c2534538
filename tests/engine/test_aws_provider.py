"""The AWS provider under the real engine, against an AWS API on this machine."""

import json

import pulumi
import pulumi_aws
import pytest
from aws import Aws
from pulumi_cli import Failed, Outcome, PulumiEnv, Stack

pytestmark = pytest.mark.engine

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)
READ = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/*"}],
}


def quiet(outcome: Outcome) -> Outcome:
    """The outcome, whose text has no complaint."""
    assert "error:" not in outcome.text
    assert "warning:" not in outcome.text.replace("warning: simulated by", "")
    return outcome


def settled(stack: Stack) -> None:
    """Neither another run nor a refresh finds anything to do."""
    assert quiet(stack.up()).changed == {}
    assert quiet(stack.refresh()).changed == {}
    assert quiet(stack.up()).changed == {}


# Networks


def network(zones: str = "ab", tags: dict[str, str] | None = None, cidr: str = "10.0.0.0/16", port: int = 443):
    def run() -> None:
        ec2 = pulumi_aws.ec2
        mine = {"team": "ml", **(tags or {})}
        vpc = ec2.Vpc("net", cidr_block=cidr, enable_dns_hostnames=True, tags={**mine, "Name": "net"})
        gateway = ec2.InternetGateway("out", vpc_id=vpc.id, tags=mine)
        ec2.DefaultSecurityGroup("closed", vpc_id=vpc.id, tags=mine)
        public = ec2.RouteTable("public", vpc_id=vpc.id, tags=mine)
        ec2.Route("public", route_table_id=public.id, destination_cidr_block="0.0.0.0/0", gateway_id=gateway.id)
        subnets = []
        for index, zone in enumerate(zones):
            subnet = ec2.Subnet(
                f"public-{zone}", vpc_id=vpc.id, availability_zone=f"eu-central-1{zone}",
                cidr_block=f"10.0.{index}.0/24", map_public_ip_on_launch=True, tags=mine,
            )  # fmt: skip
            ec2.RouteTableAssociation(f"public-{zone}", subnet_id=subnet.id, route_table_id=public.id)
            subnets.append(subnet)
        address = ec2.Eip("nat", domain="vpc", tags=mine)
        nat = ec2.NatGateway("nat", subnet_id=subnets[0].id, allocation_id=address.allocation_id, tags=mine)
        private = ec2.RouteTable("private", vpc_id=vpc.id, tags=mine)
        ec2.Route("private", route_table_id=private.id, destination_cidr_block="0.0.0.0/0", nat_gateway_id=nat.id)
        ec2.VpcEndpoint(
            "s3", vpc_id=vpc.id, service_name="com.amazonaws.eu-central-1.s3", vpc_endpoint_type="Gateway",
            route_table_ids=[private.id], tags=mine,
        )  # fmt: skip
        group = ec2.SecurityGroup("db", vpc_id=vpc.id, description="database", tags=mine)
        inline = ec2.SecurityGroup(
            "inline", vpc_id=vpc.id, tags=mine,
            ingress=[{"protocol": "tcp", "from_port": 80, "to_port": 80, "cidr_blocks": ["10.0.0.0/8"], "self": True}],
            egress=[{"protocol": "-1", "from_port": 0, "to_port": 0, "cidr_blocks": ["0.0.0.0/0"]}],
        )  # fmt: skip
        ec2.VpcEndpoint(
            "ecr", vpc_id=vpc.id, service_name="com.amazonaws.eu-central-1.ecr.api", vpc_endpoint_type="Interface",
            subnet_ids=[one.id for one in subnets], security_group_ids=[inline.id], private_dns_enabled=True, tags=mine,
        )  # fmt: skip
        pulumi_aws.vpc.SecurityGroupIngressRule(
            "in", security_group_id=group.id, ip_protocol="tcp", from_port=port, to_port=port, description="app",
            referenced_security_group_id=inline.id, tags=mine,
        )  # fmt: skip
        pulumi_aws.vpc.SecurityGroupEgressRule(
            "out", security_group_id=group.id, ip_protocol="-1", cidr_ipv4="0.0.0.0/0", tags=mine
        )
        role = pulumi_aws.iam.Role("flow", assume_role_policy=TRUST)
        logs = pulumi_aws.cloudwatch.LogGroup("flow", retention_in_days=30, tags=mine)
        ec2.FlowLog(
            "flow", vpc_id=vpc.id, traffic_type="ALL", log_destination=logs.arn, iam_role_arn=role.arn, tags=mine
        )
        template = ec2.LaunchTemplate(
            "nodes", tags=mine, update_default_version=True,
            metadata_options={"http_tokens": "required", "http_put_response_hop_limit": 2 if port == 443 else 1},
            block_device_mappings=[
                {"device_name": "/dev/xvda", "ebs": {"volume_size": 50, "volume_type": "gp3", "encrypted": "true"}}
            ],
            tag_specifications=[{"resource_type": "instance", "tags": mine}],
        )  # fmt: skip
        for name in ("arn", "default_security_group_id", "main_route_table_id", "owner_id", "tags_all"):
            pulumi.export(name, getattr(vpc, name))
        pulumi.export("version", template.latest_version)
        pulumi.export("ip", nat.public_ip)
        pulumi.export("group", group.name)

    return run


def test_a_network_is_planned_made_changed_and_ended(aws: Aws, pulumi_env: PulumiEnv):
    stack = pulumi_env.stack(network())
    planned = quiet(stack.preview())
    assert planned.changed == {"create": 24}
    made = quiet(stack.up())
    assert made.outputs["arn"].startswith("arn:aws:ec2:eu-central-1:123456789012:vpc/vpc-")
    assert made.outputs["tags_all"] == {"Name": "net", "team": "ml"}
    assert made.outputs["version"] == 1
    assert made.outputs["group"].startswith("db-")
    assert len(made.outputs["group"]) == len("db-1234567")
    assert made.outputs["ip"]
    (default,) = aws.client("ec2").describe_security_groups(GroupIds=[made.outputs["default_security_group_id"]])[
        "SecurityGroups"
    ]
    assert default["IpPermissions"] == default["IpPermissionsEgress"] == []
    settled(stack)

    changed = quiet(stack.up(network(zones="abc", tags={"team": "ai"}, port=5432)))
    assert changed.changed["create"] == 2
    assert "replace" not in changed.changed
    assert changed.diff("in")["fromPort"] == "update"
    assert changed.outputs["version"] == 2
    settled(stack)

    ec2 = aws.client("ec2")
    vpc = changed.outputs["arn"].rpartition("/")[2]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "by", "Value": "hand"}])
    group = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": [changed.outputs["group"]]}])
    rules = ec2.describe_security_group_rules(
        Filters=[{"Name": "group-id", "Values": [group["SecurityGroups"][0]["GroupId"]]}]
    )["SecurityGroupRules"]
    inward = next(one["SecurityGroupRuleId"] for one in rules if not one["IsEgress"])
    ec2.revoke_security_group_ingress(
        GroupId=group["SecurityGroups"][0]["GroupId"], SecurityGroupRuleIds=[inward]
    )  # fmt: skip
    assert quiet(stack.refresh()).changed == {"update": 1, "delete": 1}
    healed = quiet(stack.up())
    assert healed.changed == {"update": 1, "create": 1}
    assert set(healed.diff("net")) == {"enableDnsHostnames", "tags.by"}

    planned = quiet(stack.preview(network(zones="abc", tags={"team": "ai"}, port=5432, cidr="10.0.0.0/15")))
    assert planned.diff("net") == {"cidrBlock": "update-replace"}
    stack.program = network(zones="abc", tags={"team": "ai"}, port=5432)
    quiet(stack.destroy())
    assert aws.leftovers("ai") == []


# Identity, storage, cluster, database, names


def platform(team: str = "ml", size: int = 2, version: str = "v1.1.0", storage: int = 20, password: str = "hush"):
    def run() -> None:
        aws, mine = pulumi_aws, {"team": team}
        key = aws.kms.Key("data", description="data", enable_key_rotation=True, deletion_window_in_days=7, tags=mine)
        aws.kms.Alias("data", target_key_id=key.key_id)
        role = aws.iam.Role("nodes", assume_role_policy=TRUST, tags=mine)
        policy = aws.iam.Policy("read", policy=json.dumps(READ), tags=mine)
        aws.iam.RolePolicyAttachment("read", role=role.name, policy_arn=policy.arn)
        aws.iam.RolePolicy("own", role=role.id, policy=json.dumps(READ))
        aws.iam.InstanceProfile("nodes", role=role.name, tags=mine)
        bucket = aws.s3.Bucket("data", force_destroy=True, tags=mine)
        aws.s3.BucketPublicAccessBlock("data", bucket=bucket.id, block_public_acls=True, block_public_policy=True)
        aws.s3.BucketOwnershipControls("data", bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"})
        aws.s3.BucketVersioning("data", bucket=bucket.id, versioning_configuration={"status": "Enabled"})
        encryption = {"sse_algorithm": "aws:kms", "kms_master_key_id": key.arn}
        aws.s3.BucketServerSideEncryptionConfiguration(
            "data", bucket=bucket.id,
            rules=[{"apply_server_side_encryption_by_default": encryption, "bucket_key_enabled": True}],
        )  # fmt: skip
        old = {"id": "old", "status": "Enabled", "noncurrent_version_expiration": {"noncurrent_days": 90}}
        aws.s3.BucketLifecycleConfiguration("data", bucket=bucket.id, rules=[old])
        vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
        subnets = [
            aws.ec2.Subnet(z, vpc_id=vpc.id, cidr_block=f"10.0.{i}.0/24", availability_zone=f"eu-central-1{z}").id
            for i, z in enumerate("ab")
        ]
        cluster = aws.eks.Cluster(
            "ml", version="1.34", role_arn=role.arn,
            vpc_config={"subnet_ids": subnets, "endpoint_private_access": True},
            access_config={"authentication_mode": "API"}, enabled_cluster_log_types=["api", "audit"], tags=mine,
            encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
        )  # fmt: skip
        aws.eks.NodeGroup(
            "cpu", cluster_name=cluster.name, node_role_arn=role.arn, subnet_ids=subnets, labels={"a.b/c": team},
            scaling_config={"min_size": 1, "max_size": 5, "desired_size": size}, tags=mine,
        )  # fmt: skip
        aws.eks.Addon("dns", cluster_name=cluster.name, addon_name="coredns", addon_version=version, tags=mine)
        aws.eks.PodIdentityAssociation(
            "app", cluster_name=cluster.name, namespace="app", service_account="app", role_arn=role.arn, tags=mine
        )
        entry = aws.eks.AccessEntry("admin", cluster_name=cluster.name, principal_arn=role.arn, tags=mine)
        aws.eks.AccessPolicyAssociation(
            "admin", cluster_name=cluster.name, principal_arn=entry.principal_arn, access_scope={"type": "cluster"},
            policy_arn="arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        )  # fmt: skip
        files = aws.efs.FileSystem("files", encrypted=True, throughput_mode="elastic", tags=mine)
        aws.efs.MountTarget("files", file_system_id=files.id, subnet_id=subnets[0])
        aws.efs.BackupPolicy("files", file_system_id=files.id, backup_policy={"status": "ENABLED"})
        group = aws.rds.SubnetGroup("db", subnet_ids=subnets, tags=mine)
        settings = aws.rds.ParameterGroup(
            "db", family="postgres17", parameters=[{"name": "rds.force_ssl", "value": "1"}], tags=mine
        )
        database = aws.rds.Instance(
            "db", engine="postgres", engine_version="17.6", instance_class="db.t4g.small", allocated_storage=storage,
            storage_encrypted=True, username="app", manage_master_user_password=True, tags=mine, apply_immediately=True,
            db_subnet_group_name=group.name, parameter_group_name=settings.name, skip_final_snapshot=True,
        )  # fmt: skip
        aws.secretsmanager.SecretRotation(
            "db", secret_id=database.master_user_secrets[0].secret_arn, rotate_immediately=False,
            rotation_rules={"automatically_after_days": 12 * storage},
        )  # fmt: skip
        repository = aws.ecr.Repository("app", image_tag_mutability="IMMUTABLE", force_delete=True, tags=mine)
        zone = aws.route53.Zone("zone", name="ml.example.com", tags=mine)
        certificate = aws.acm.Certificate("web", domain_name="ml.example.com", validation_method="DNS", tags=mine)
        proof = certificate.domain_validation_options[0]
        record = aws.route53.Record(
            "proof", zone_id=zone.zone_id, name=proof.resource_record_name, type=proof.resource_record_type, ttl=60,
            records=[proof.resource_record_value],
        )  # fmt: skip
        aws.acm.CertificateValidation(
            "web", certificate_arn=certificate.arn, validation_record_fqdns=[record.fqdn]
        )  # fmt: skip
        secret = aws.secretsmanager.Secret("app", recovery_window_in_days=0, tags=mine)
        aws.secretsmanager.SecretVersion("app", secret_id=secret.id, secret_string=pulumi.Output.secret(password))
        pulumi.export("bucket", bucket.id)
        pulumi.export("cluster", cluster.name)
        pulumi.export("issuer", cluster.identities[0].oidcs[0].issuer)
        pulumi.export("endpoint", database.endpoint)
        pulumi.export("master", database.master_user_secrets[0].secret_arn)
        pulumi.export("repository", repository.repository_url)

    return run


def test_a_platform_is_made_changed_in_place_and_ended(aws: Aws, pulumi_env: PulumiEnv):
    stack = pulumi_env.stack(platform())
    assert quiet(stack.preview()).changed == {"create": 37}
    made = stack.up()
    assert "warning: simulated by the AWS provider stand-in, in a file and not by any API: aws:efs/" in made.text
    quiet(made)
    assert made.outputs["endpoint"].endswith(":5432")
    assert made.outputs["master"].startswith("arn:aws:secretsmanager:")
    assert made.outputs["issuer"].startswith("https://oidc.eks.")
    assert "hush" not in stack.state()
    assert quiet(stack.up()).changed == {}
    assert quiet(stack.refresh()).changed == {}

    changed = quiet(stack.up(platform(team="ai", size=3, version="v1.2.0", storage=30)))
    assert set(changed.changed) == {"update"}
    assert changed.diff("dns") == {"addonVersion": "update", "tags.team": "update"}
    assert changed.diff("cpu")["scalingConfig.desiredSize"] == "update"
    (live,) = aws.client("rds").describe_db_instances()["DBInstances"]
    assert live["AllocatedStorage"] == 30
    rotated = aws.client("secretsmanager").describe_secret(SecretId=live["MasterUserSecret"]["SecretArn"])
    assert rotated["RotationRules"] == {"AutomaticallyAfterDays": 360}

    aws.client("s3").delete_public_access_block(Bucket=changed.outputs["bucket"])
    assert quiet(stack.refresh()).changed == {"delete": 1}
    assert quiet(stack.up()).changed == {"create": 1}
    quiet(stack.destroy())
    assert aws.leftovers("ai") == []


def queue(seconds: int = 300, team: str = "ml", principal: str = "events.amazonaws.com"):
    def run() -> None:
        aws = pulumi_aws
        made = aws.sqs.Queue(
            "heard", message_retention_seconds=seconds, sqs_managed_sse_enabled=True, tags={"team": team}
        )  # fmt: skip
        pattern = json.dumps({"source": ["aws.ec2"]})
        rule = aws.cloudwatch.EventRule("machines", event_pattern=pattern, tags={"team": team})

        def policy(arn: str) -> str:
            send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}
            return json.dumps(
                {"Version": "2012-10-17", "Statement": [{**send, "Principal": {"Service": principal}}]}
            )  # fmt: skip

        allowed = aws.sqs.QueuePolicy("heard", queue_url=made.url, policy=made.arn.apply(policy))
        aws.cloudwatch.EventTarget(
            "machines", rule=rule.name, arn=made.arn, opts=pulumi.ResourceOptions(depends_on=[allowed])
        )  # fmt: skip
        pulumi.export("url", made.url)

    return run


def test_a_queue_of_events_is_made_changed_in_place_and_ended(aws: Aws, pulumi_env: PulumiEnv):
    stack = pulumi_env.stack(queue())
    assert quiet(stack.up()).changed == {"create": 5}
    settled(stack)

    changed = quiet(stack.up(queue(seconds=600, team="ai", principal="sqs.amazonaws.com")))
    assert changed.changed == {"update": 3}
    sqs, url = aws.client("sqs"), changed.outputs["url"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert found["MessageRetentionPeriod"] == "600"
    assert found["SqsManagedSseEnabled"] == "true"
    assert "sqs.amazonaws.com" in found["Policy"]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "ai"}
    found_policy = {"Policy": found["Policy"]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={**found_policy, "MessageRetentionPeriod": "60"})
    assert quiet(stack.refresh()).changed == {"update": 1}
    assert quiet(stack.up()).changed == {"update": 1}
    quiet(stack.destroy())
    assert aws.leftovers("ai") == []


def database(major: int = 17, name: str = "orders", now: bool = True):
    def run() -> None:
        aws = pulumi_aws
        vpc = aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
        subnets = [
            aws.ec2.Subnet(z, vpc_id=vpc.id, cidr_block=f"10.0.{i}.0/24", availability_zone=f"eu-central-1{z}").id
            for i, z in enumerate("ab")
        ]
        group = aws.rds.SubnetGroup("db", subnet_ids=subnets)
        settings = aws.rds.ParameterGroup("db", family=f"postgres{major}")
        made = aws.rds.Instance(
            "db", identifier=name, engine="postgres", engine_version=f"{major}.6", instance_class="db.t4g.small",
            allocated_storage=20, username="app", manage_master_user_password=True, skip_final_snapshot=True,
            db_subnet_group_name=group.name, parameter_group_name=settings.name, apply_immediately=now,
            allow_major_version_upgrade=True,
        )  # fmt: skip
        pulumi.export("id", made.id)
        pulumi.export("endpoint", made.endpoint)

    return run


def test_a_database_is_renamed_in_place_and_gets_another_major_with_its_parameter_group(
    aws: Aws, pulumi_env: PulumiEnv
):
    rds, stack = aws.client("rds"), pulumi_env.stack(database())
    made = quiet(stack.up())
    renamed = quiet(stack.up(database(name="sales")))
    assert renamed.changed == {"update": 1}, "RDS renames in place"
    assert renamed.outputs["id"] == made.outputs["id"]

    with pytest.raises(
        Failed, match=r"InvalidDBParameterGroupState: parameter group .* is still that of instance sales"
    ):
        stack.up(database(name="sales", major=18, now=False))
    quiet(stack.refresh())
    quiet(stack.up(database(name="sales", major=18)))
    (live,) = rds.describe_db_instances()["DBInstances"]
    assert live["EngineVersion"] == "18.6"
    families = [one["DBParameterGroupFamily"] for one in rds.describe_db_parameter_groups()["DBParameterGroups"]]
    assert families == ["postgres18"], "the old group goes after the instance has let go of it"
    assert quiet(stack.up()).changed == {}
    quiet(stack.destroy())


# Refusals


def test_what_is_not_implemented_and_what_has_no_endpoint_is_refused_in_one_sentence(aws: Aws, pulumi_env: PulumiEnv):
    def unknown() -> None:
        pulumi_aws.s3.Bucket("b", acceleration_status="Enabled")

    stack = pulumi_env.stack(unknown)
    with pytest.raises(Failed) as refused:
        stack.preview()
    assert "aws:s3/bucket:Bucket property accelerationStatus is not implemented by the AWS provider" in str(
        refused.value
    )
    # The SDK of an inline program adds a traceback of its own if the engine is gone before it hears the refusal.
    assert "standins/plugins" not in str(refused.value)

    def bucket() -> None:
        pulumi_aws.s3.Bucket("b")

    pulumi_env.environment.update(AWS_ENDPOINT_URL="https://s3.amazonaws.com")
    assert quiet(stack.preview(bucket)).changed == {"create": 2}
    with pytest.raises(Failed, match="the AWS provider stand-in never calls AWS"):
        stack.up()
    pulumi_env.environment.update(AWS_REGION="mars-1")
    with pytest.raises(Failed, match="'mars-1' is not an AWS region"):
        stack.preview()
