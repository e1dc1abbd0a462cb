"""Read what runs on this host: pods, containers, links, rules. Changes nothing."""
