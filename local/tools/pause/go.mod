module pulumi-mlops.dev/local/tools/pause

go 1.26
