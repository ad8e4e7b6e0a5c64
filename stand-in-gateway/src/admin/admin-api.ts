import type { Configuration } from '../configuration';
import type { FlattenContext } from '../declarative/flatten-entities';
import type { Edition } from '../schema/entity-schemas';
import { type AdminAnswer, type AdminRequest, notFound } from './admin-answer';
import { type ConfigLoading, configEndpoint } from './config-endpoint';
import { consumerGroupEndpoint, type MembershipRules } from './consumer-group-endpoints';
import { type EnterpriseSettings, enterpriseGate } from './enterprise-gate';
import { type EntityContext, entityEndpoint, isUuid } from './entity-endpoints';
import { KonnectGate, type KonnectSettings } from './konnect-gate';
import { type NodeFacts, nodeEndpoint } from './node-endpoints';

/** What one node's Admin API works on. */
export interface AdminApiParts {
  edition: Edition;
  entities: EntityContext;
  /** A configuration without entities, shown to requests for other workspaces. */
  emptyConfiguration: Configuration;
  facts: NodeFacts;
  configLoadMs: number;
  flatten: () => FlattenContext;
  enterprise: EnterpriseSettings;
  konnect: KonnectSettings;
}

/** First path segments that are no workspace's name. */
const collections = new Set([
  'config',
  'status',
  'metrics',
  'schemas',
  'consumers',
  'services',
  'routes',
  'plugins',
  'acls',
  'key-auths',
  'consumer_groups',
]);

const enterpriseRules: MembershipRules = { uuidOnly: false, isStrict: true };

/** The Admin API of one node, in the edition's shape. */
export class AdminApi {
  private readonly loading: ConfigLoading = { isLoading: false };
  private readonly konnectGate: KonnectGate;

  constructor(private readonly parts: AdminApiParts) {
    this.konnectGate = new KonnectGate(parts.konnect, Date.now);
  }

  answer(request: AdminRequest): AdminAnswer | Promise<AdminAnswer> {
    switch (this.parts.edition) {
      case 'konnect':
        return this.konnectGate.pass(request, (inside) => this.answerKonnect(inside));
      case 'enterprise':
        return this.answerEnterprise(request);
      default:
        return this.answerNode(request) ?? entityEndpoint(this.parts.entities, request) ?? notFound;
    }
  }

  private answerNode(request: AdminRequest): AdminAnswer | Promise<AdminAnswer> | undefined {
    const { entities, configLoadMs, flatten, facts } = this.parts;
    if (request.segments.length !== 1 || request.segments[0] !== 'config')
      return nodeEndpoint(facts, request);
    const { configuration, mode } = entities;
    return configEndpoint(
      { configuration, mode, loading: this.loading, loadMs: configLoadMs, flatten },
      request,
    );
  }

  private answerEnterprise(request: AdminRequest): AdminAnswer | Promise<AdminAnswer> {
    const admitted = enterpriseGate(this.parts.enterprise, request, (segment) => collections.has(segment));
    if ('answer' in admitted) return admitted.answer;
    const inside = admitted.request;
    const entities = admitted.isEmptyWorkspace
      ? { ...this.parts.entities, configuration: this.parts.emptyConfiguration }
      : this.parts.entities;
    return (
      this.answerNode(inside) ??
      consumerGroupEndpoint(entities, inside, enterpriseRules) ??
      entityEndpoint(entities, inside) ??
      notFound
    );
  }

  /** Konnect knows consumers, groups and ACLs by their UUID only, and forgives deleting what is not there. */
  private answerKonnect(request: AdminRequest): AdminAnswer {
    const { entities, konnect } = this.parts;
    const [collection, id, nested, nestedId] = request.segments;
    if (collection !== 'consumers' && collection !== 'consumer_groups' && collection !== 'acls')
      return notFound;
    const isRelative = id !== undefined && !isUuid(id);
    if (isRelative || (nestedId !== undefined && !isUuid(nestedId))) return notFound;
    const rules = { uuidOnly: true, isStrict: konnect.isMembershipStrict ?? true };
    const answer =
      consumerGroupEndpoint(entities, request, rules) ?? entityEndpoint(entities, request) ?? notFound;
    const isForgiven = request.method === 'DELETE' && nested === 'acls' && answer.status === 404;
    return isForgiven ? { status: 204 } : answer;
  }
}
