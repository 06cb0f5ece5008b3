EXTRA_DIST += contrib/common.sh contrib/check
