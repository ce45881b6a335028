# A pool of T4 spot nodes from none to `max_nodes`, for an existing GKE cluster. See gpu-pool.md.
terraform {
  required_version = ">= 1.5"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.0, < 8.0"
    }
  }
}

variable "project" {
  type = string
}

variable "cluster" {
  description = "Name of the cluster"
  type        = string
}

variable "location" {
  description = "Region or zone of the cluster"
  type        = string
}

variable "zones" {
  description = "Zones that have T4s"
  type        = list(string)
}

variable "max_nodes" {
  description = "Most nodes in all zones together"
  type        = number
  default     = 10
}

variable "spot" {
  type    = bool
  default = true
}

resource "google_service_account" "nodes" {
  project      = var.project
  account_id   = "soundstage-t4-nodes"
  display_name = "Nodes of Soundstage's T4 pool"
}

resource "google_project_iam_member" "nodes" {
  for_each = toset(["roles/container.defaultNodeServiceAccount", "roles/artifactregistry.reader"])
  project  = var.project
  role     = each.value
  member   = "serviceAccount:${google_service_account.nodes.email}"
}

resource "google_container_node_pool" "t4" {
  name           = "soundstage-t4"
  project        = var.project
  cluster        = var.cluster
  location       = var.location
  node_locations = var.zones

  autoscaling {
    total_min_node_count = 0
    total_max_node_count = var.max_nodes
    location_policy      = "ANY"
  }

  management {
    auto_repair  = true
    auto_upgrade = true
  }

  node_config {
    machine_type    = "n1-standard-4"
    spot            = var.spot
    disk_type       = "pd-balanced"
    disk_size_gb    = 100
    image_type      = "COS_CONTAINERD"
    service_account = google_service_account.nodes.email
    oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]

    guest_accelerator {
      type  = "nvidia-tesla-t4"
      count = 1

      gpu_driver_installation_config {
        gpu_driver_version = "DEFAULT"
      }
    }

    # GKE itself adds nvidia.com/gpu=present:NoSchedule; the second keeps all else off spot nodes.
    dynamic "taint" {
      for_each = var.spot ? [1] : []
      content {
        key    = "cloud.google.com/gke-spot"
        value  = "true"
        effect = "NO_SCHEDULE"
      }
    }

    workload_metadata_config {
      mode = "GKE_METADATA"
    }

    shielded_instance_config {
      enable_secure_boot          = true
      enable_integrity_monitoring = true
    }
  }
}
