"""Values in, text out, pure: OCI config, nft rule sets, hosts and resolv.conf, unit files."""
