"""What the API server would refuse of well-formed objects. Pure: values in, flaws out.

objects     one object: the door, which calls the themes below
sets        several objects together: duplicates, references, host ports
order       what objects say of each other's turn
changes     an object and what it was before: immutable fields

names       what names, labels and keys may look like
metadata    metadata of objects and templates
pods        pod specifications as a whole
containers  containers: names, images, resources
ports       ports of containers, on the pod's and on the host's side
env         environment variables and where their values come from
volumes     volumes, mounts and claims
security    security contexts and sysctls
workloads   Deployment, ReplicaSet, DaemonSet and Job; selectors
rollouts    how Deployments and DaemonSets are replaced
config      ConfigMap and Secret
network     podpy's Network

The facts are those of Kubernetes 1.34's validation (pkg/apis/*/validation); the sentences are ours.
"""
