"""Links, addresses, nftables and names: the network's side of a pod."""
