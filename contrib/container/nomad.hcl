# The same tree as a Nomad job: Nomad takes over where the root supervisor gives up (exit code 70).
job "shop" {
  group "shop" {
    restart {
      attempts = 3
      interval = "10m"
      delay    = "15s"
      mode     = "fail"
    }
    task "shop" {
      driver       = "podman"
      user         = "10001"
      kill_timeout = "30s"
      config {
        image           = "registry.example/shop:1"
        args            = ["--stop-timeout=25s", "--isolation=best-effort"]
        readonly_rootfs = true
        cap_drop        = ["all"]
        tmpfs           = ["/run", "/tmp"]
      }
      service {
        provider = "nomad"
        name     = "shop"
        check { # the tree can answer at all; else the task is started again
          name     = "alive"
          type     = "script"
          command  = "coppicectl"
          args     = ["--quiet", "version"]
          interval = "10s"
          timeout  = "5s"
          check_restart {
            limit = 3
          }
        }
        check { # it has come up
          name     = "ready"
          type     = "script"
          command  = "coppicectl"
          args     = ["--quiet", "await", "--try", "/", "ready"]
          interval = "5s"
          timeout  = "2s"
        }
      }
      resources {
        cpu    = 500
        memory = 256
      }
    }
  }
}
