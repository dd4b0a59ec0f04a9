/** DescribeCluster, versions 0 and 1 (KIP-700): a cluster of this one broker. */
import type { KafkaApi } from "../api.ts";
import { KAFKA_ERRORS } from "../error-codes.ts";

const BROKER_ENDPOINTS = 1;

export interface DescribeClusterRequest {
  readonly operationsAsked: boolean;
}

export interface DescribeClusterResponse {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly clusterId: string;
  readonly operations: number;
}

export const describeCluster: KafkaApi<DescribeClusterRequest, DescribeClusterResponse> = {
  key: 60,
  name: "DescribeCluster",
  versions: [0, 1],
  flexibleFrom: 0,

  decode(reader, version) {
    const operationsAsked = reader.boolean();
    if (version >= 1) reader.int8(); // Endpoint type: broker and controller are one.
    reader.tags();
    return { operationsAsked };
  },

  handle({ operationsAsked }, { broker, advertised, rights }) {
    return {
      nodeId: broker.nodeId,
      host: advertised.host,
      port: advertised.port,
      clusterId: broker.clusterId,
      operations: rights.clusterOperations(operationsAsked),
    };
  },

  encode(writer, { nodeId, host, port, clusterId, operations }, version, throttleMs) {
    writer.int32(throttleMs).int16(KAFKA_ERRORS.NONE).nullableString(null);
    if (version >= 1) writer.int8(BROKER_ENDPOINTS);
    writer.string(clusterId).int32(nodeId);
    writer.array([nodeId], () => {
      writer.int32(nodeId).string(host).int32(port).nullableString(null).tags();
    });
    writer.int32(operations).tags();
  },
};
