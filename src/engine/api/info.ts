/** What the engine says of itself in `/v2/info`: the fields that clients of Marathon read; pure. */

export interface InfoFacts {
  frameworkId: string;
  /** Whether instances serve on for a while before they end. */
  drains: boolean;
  /** `host:port` that the request came to. */
  address: string;
  host: string;
  port: number;
}

/** The Marathon whose behaviour the engine has. */
const VERSION = '1.11.24';

/** The numbers are Marathon's defaults; nothing of Mesos or ZooKeeper is behind them. */
export function infoOf({ frameworkId, drains, address, host, port }: InfoFacts) {
  return {
    name: 'marathon',
    version: VERSION,
    // By this Ekiden knows that it need not take instances out of the balancers itself.
    buildref: drains ? 'ekiden' : 'ekiden, undrained',
    elected: true,
    leader: address,
    frameworkId,
    marathon_config: marathonConfig(host, address),
    zookeeper_config: {
      zk: 'zk://localhost:2181/marathon',
      zk_compression: true,
      zk_compression_threshold: 65_536,
      zk_connection_timeout: 10_000,
      zk_max_node_size: 1_024_000,
      zk_max_versions: 50,
      zk_session_timeout: 10_000,
      zk_timeout: 10_000,
    },
    http_config: { http_port: port, https_port: 0 },
  };
}

function marathonConfig(hostname: string, address: string) {
  return {
    checkpoint: true,
    decline_offer_duration: 120_000,
    executor: '//cmd',
    failover_timeout: 604_800,
    features: ['task_killing'],
    framework_name: 'marathon',
    ha: false,
    hostname,
    launch_token: 100,
    launch_token_refresh_interval: 30_000,
    leader_proxy_connection_timeout_ms: 5_000,
    leader_proxy_read_timeout_ms: 10_000,
    local_port_max: 20_000,
    local_port_min: 10_000,
    master: 'ekiden',
    max_instances_per_offer: 5,
    mesos_bridge_name: 'mesos-bridge',
    mesos_heartbeat_failure_threshold: 5,
    mesos_heartbeat_interval: 15_000,
    mesos_leader_ui_url: `http://${address}/`,
    mesos_role: '*',
    mesos_user: 'root',
    min_revive_offers_interval: 30_000,
    offer_matching_timeout: 3_000,
    on_elected_prepare_timeout: 180_000,
    reconciliation_initial_delay: 15_000,
    reconciliation_interval: 600_000,
    scale_apps_initial_delay: 15_000,
    scale_apps_interval: 300_000,
    store_cache: true,
    task_launch_confirm_timeout: 300_000,
    task_launch_timeout: 300_000,
    task_lost_expunge_initial_delay: 300_000,
    task_lost_expunge_interval: 30_000,
    task_reservation_timeout: 20_000,
    webui_url: `http://${address}/`,
  };
}
