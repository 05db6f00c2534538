"""What the caller must be allowed to do to create the stack, asked of IAM's policy simulator, which does nothing."""

from collections.abc import Iterator, Mapping

from pulumi_mlops.cli.preflight.account import Account
from pulumi_mlops.cli.preflight.planned import Planned
from pulumi_mlops.cli.preflight.results import Result, finding, ok

PERMISSIONS = "permissions"
CREATES: Mapping[str, tuple[str, ...]] = {
    "aws:acm/certificate:Certificate": ("acm:RequestCertificate", "acm:AddTagsToCertificate"),
    "aws:cloudwatch/eventRule:EventRule": ("events:PutRule", "events:TagResource"),
    "aws:cloudwatch/eventTarget:EventTarget": ("events:PutTargets",),
    "aws:cloudwatch/logGroup:LogGroup": ("logs:CreateLogGroup", "logs:PutRetentionPolicy", "logs:TagResource"),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": ("ec2:RevokeSecurityGroupIngress", "ec2:CreateTags"),
    "aws:ec2/eip:Eip": ("ec2:AllocateAddress", "ec2:CreateTags"),
    "aws:ec2/flowLog:FlowLog": ("ec2:CreateFlowLogs", "iam:PassRole"),
    "aws:ec2/internetGateway:InternetGateway": ("ec2:CreateInternetGateway", "ec2:AttachInternetGateway"),
    "aws:ec2/launchTemplate:LaunchTemplate": ("ec2:CreateLaunchTemplate",),
    "aws:ec2/natGateway:NatGateway": ("ec2:CreateNatGateway",),
    "aws:ec2/route:Route": ("ec2:CreateRoute",),
    "aws:ec2/routeTable:RouteTable": ("ec2:CreateRouteTable",),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ("ec2:AssociateRouteTable",),
    "aws:ec2/securityGroup:SecurityGroup": ("ec2:CreateSecurityGroup",),
    "aws:ec2/subnet:Subnet": ("ec2:CreateSubnet", "ec2:ModifySubnetAttribute"),
    "aws:ec2/vpc:Vpc": ("ec2:CreateVpc", "ec2:ModifyVpcAttribute", "ec2:CreateTags"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": ("ec2:CreateVpcEndpoint",),
    "aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation": ("ec2:ModifyVpcEndpoint",),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": ("ecr:PutLifecyclePolicy",),
    "aws:ecr/registryScanningConfiguration:RegistryScanningConfiguration": ("ecr:PutRegistryScanningConfiguration",),
    "aws:ecr/repository:Repository": ("ecr:CreateRepository", "ecr:TagResource"),
    "aws:efs/backupPolicy:BackupPolicy": ("elasticfilesystem:PutBackupPolicy",),
    "aws:efs/fileSystem:FileSystem": ("elasticfilesystem:CreateFileSystem", "elasticfilesystem:TagResource"),
    "aws:efs/mountTarget:MountTarget": ("elasticfilesystem:CreateMountTarget",),
    "aws:eks/accessEntry:AccessEntry": ("eks:CreateAccessEntry", "eks:AssociateAccessPolicy"),
    "aws:eks/addon:Addon": ("eks:CreateAddon", "eks:TagResource"),
    "aws:eks/cluster:Cluster": ("eks:CreateCluster", "eks:TagResource", "iam:PassRole"),
    "aws:eks/nodeGroup:NodeGroup": ("eks:CreateNodegroup", "iam:PassRole", "ec2:RunInstances"),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": ("eks:CreatePodIdentityAssociation", "iam:PassRole"),
    "aws:iam/instanceProfile:InstanceProfile": ("iam:CreateInstanceProfile", "iam:AddRoleToInstanceProfile"),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": ("iam:CreateOpenIDConnectProvider",),
    "aws:iam/policy:Policy": ("iam:CreatePolicy", "iam:TagPolicy"),
    "aws:iam/role:Role": ("iam:CreateRole", "iam:TagRole"),
    "aws:iam/rolePolicy:RolePolicy": ("iam:PutRolePolicy",),
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": ("iam:AttachRolePolicy",),
    "aws:kms/key:Key": ("kms:CreateKey", "kms:PutKeyPolicy", "kms:EnableKeyRotation", "kms:TagResource"),
    "aws:kms/alias:Alias": ("kms:CreateAlias",),
    "aws:rds/instance:Instance": ("rds:CreateDBInstance", "rds:AddTagsToResource"),
    "aws:rds/parameterGroup:ParameterGroup": ("rds:CreateDBParameterGroup", "rds:ModifyDBParameterGroup"),
    "aws:rds/subnetGroup:SubnetGroup": ("rds:CreateDBSubnetGroup",),
    "aws:route53/record:Record": ("route53:ChangeResourceRecordSets", "route53:GetChange"),
    "aws:route53/zone:Zone": ("route53:CreateHostedZone", "route53:ChangeTagsForResource"),
    "aws:s3/bucket:Bucket": ("s3:CreateBucket", "s3:PutBucketTagging"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": ("s3:PutBucketOwnershipControls",),
    "aws:s3/bucketPolicy:BucketPolicy": ("s3:PutBucketPolicy",),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "s3:PutEncryptionConfiguration",
    ),
    "aws:s3/bucketVersioning:BucketVersioning": ("s3:PutBucketVersioning",),
    "aws:secretsmanager/secretRotation:SecretRotation": ("secretsmanager:RotateSecret",),
    "aws:sqs/queue:Queue": ("sqs:CreateQueue", "sqs:TagQueue"),
    "aws:sqs/queuePolicy:QueuePolicy": ("sqs:SetQueueAttributes",),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": ("ec2:AuthorizeSecurityGroupEgress",),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": ("ec2:AuthorizeSecurityGroupIngress",),
}
"""Type of a resource → what creating it asks for first of all (Service Authorization Reference)."""
ALLOWED = "allowed"
ROOT = ":root"
SESSION = ":assumed-role/"


def permissions(planned: Planned, account: Account) -> Iterator[Result]:
    """The caller may create each type of resource that the stack would make."""
    needed = {
        action: type_token for type_token, actions in CREATES.items() if planned.new(type_token) for action in actions
    }
    if not needed:
        return
    if account.caller.endswith(ROOT):
        yield ok(PERMISSIONS, "the caller is the account's root user, whom no policy limits")
        return
    results = account.listed(
        "iam",
        "SimulatePrincipalPolicy",
        "EvaluationResults",
        PolicySourceArn=_principal(account),
        ActionNames=sorted(needed),
    )
    refused = sorted({one["EvalActionName"] for one in results if one["EvalDecision"] != ALLOWED})
    if not refused:
        yield ok(PERMISSIONS, f"the caller may call the {len(needed)} actions that the simulator was asked for")
    if refused:
        yield finding(
            PERMISSIONS,
            f"no policy lets the caller call {', '.join(refused)} on everything",
            f"`up` fails at the first of: {', '.join(sorted({needed[one] for one in refused if one in needed}))}; "
            "unless a policy allows it on just the resources of the stack, which the simulator is not asked",
            "allow them in a policy of the caller",
        )


def _principal(account: Account) -> str:
    """ARN of the user or role whose policies count; a session is asked for by its role."""
    _, session, names = account.caller.partition(SESSION)
    if not session:
        return account.caller
    return account.ask("iam", "GetRole", RoleName=names.partition("/")[0])["Role"]["Arn"]
