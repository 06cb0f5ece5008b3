EXTRA_DIST += contrib/common.sh contrib/check contrib/demo
EXTRA_DIST += contrib/container/bundle contrib/container/Containerfile contrib/container/README.md
EXTRA_DIST += contrib/container/kubernetes.yaml contrib/container/nomad.hcl
